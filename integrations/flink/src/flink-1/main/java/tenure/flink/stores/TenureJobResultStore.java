package tenure.flink.stores;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.clusterframework.ApplicationStatus;
import org.apache.flink.runtime.highavailability.AbstractThreadsafeJobResultStore;
import org.apache.flink.runtime.highavailability.JobResultEntry;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/** Of a result its status, run time and cause are kept; accumulators are not. */
public final class TenureJobResultStore extends AbstractThreadsafeJobResultStore {

    private final FinishedJobs finished;

    public TenureJobResultStore(TenureClient client, CurrentTerm current, Executor ioExecutor) {
        super(ioExecutor);
        this.finished = new FinishedJobs(client, current);
    }

    @Override
    protected void createDirtyResultInternal(JobResultEntry entry) throws IOException {
        JobResult result = entry.getJobResult();
        ObjectNode detail = TenureClient.body()
                .put("status", result.getApplicationStatus().name())
                .put("netRuntime", result.getNetRuntime());
        finished.finish(
                entry.getJobId().toHexString(), outcomeOf(result.getApplicationStatus()), detail,
                result.getSerializedThrowable().orElse(null));
    }

    private static String outcomeOf(ApplicationStatus status) {
        return switch (status) {
            case SUCCEEDED -> "succeeded";
            case CANCELED -> "cancelled";
            case FAILED, UNKNOWN -> "failed";
        };
    }

    @Override
    protected void markResultAsCleanInternal(JobID jobId) throws IOException {
        finished.acknowledge(jobId.toHexString());
    }

    @Override
    protected boolean hasDirtyJobResultEntryInternal(JobID jobId) throws IOException {
        return finished.isDirty(jobId.toHexString());
    }

    @Override
    protected boolean hasCleanJobResultEntryInternal(JobID jobId) throws IOException {
        return finished.clean(jobId.toHexString()) != null;
    }

    @Override
    protected Set<JobResult> getDirtyResultsInternal() throws IOException {
        Set<JobResult> results = new HashSet<>();
        for (JsonNode job : finished.dirty(ActiveJobs.JOB)) results.add(resultOf(job));
        return results;
    }

    private static JobResult resultOf(JsonNode job) {
        JsonNode detail = FinishedJobs.detailOf(job);
        JobResult.Builder result = new JobResult.Builder()
                .jobId(JobID.fromHexString(job.path("jobId").asText()))
                .applicationStatus(statusOf(job, detail))
                .netRuntime(detail.path("netRuntime").asLong(0));
        if (detail.has("cause"))
            result.serializedThrowable(new SerializedThrowable(new FlinkException(detail.path("cause").asText())));
        return result.build();
    }

    private static ApplicationStatus statusOf(JsonNode job, JsonNode detail) {
        String status = detail.path("status").asText();
        for (ApplicationStatus each : ApplicationStatus.values()) if (each.name().equals(status)) return each;
        return switch (job.path("result").asText()) {
            case "succeeded" -> ApplicationStatus.SUCCEEDED;
            case "cancelled" -> ApplicationStatus.CANCELED;
            default -> ApplicationStatus.FAILED;
        };
    }
}
