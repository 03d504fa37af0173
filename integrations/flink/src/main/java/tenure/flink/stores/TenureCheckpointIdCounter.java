package tenure.flink.stores;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;

import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import tenure.flink.client.TenureClient;

/**
 * Reserves every id before Flink writes the first file of its checkpoint, so that no two leaders write into one
 * folder. Ids that were reserved and never committed leave gaps.
 */
final class TenureCheckpointIdCounter implements CheckpointIDCounter {

    private final TenureJobs jobs;
    private final String jobId;
    /** The id from which Flink continues after it restored a savepoint. */
    private volatile long floor;

    TenureCheckpointIdCounter(TenureJobs jobs, String jobId) {
        this.jobs = jobs;
        this.jobId = jobId;
    }

    @Override
    public void start() {}

    /** The ids stay with the job, and go with it. */
    @Override
    public CompletableFuture<Void> shutdown(JobStatus jobStatus) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public long getAndIncrement() throws Exception {
        ObjectNode body = floor > 0 ? TenureClient.body().put("atLeast", floor) : TenureClient.body();
        return jobs.write("POST", "/jobs/" + jobId + "/checkpoints/reserve", body).path("checkpointId").asLong();
    }

    @Override
    public long get() {
        try {
            JsonNode job = jobs.findJob(jobId);
            long next = job == null ? INITIAL_CHECKPOINT_ID : job.path("nextCheckpointId").asLong();
            return Math.max(next, floor);
        } catch (IOException e) {
            throw new IllegalStateException("The next checkpoint id of job " + jobId + " is not known", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted", e);
        }
    }

    @Override
    public void setCount(long newId) {
        floor = newId;
    }
}
