package tenure.flink.stores;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.ApplicationID;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.highavailability.AbstractThreadsafeJobResultStore;
import org.apache.flink.runtime.highavailability.JobResultEntry;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/**
 * Of a result its status, times, application, name and cause are kept; accumulators are not. Without the application
 * Flink 2 does not recover from a dirty result.
 */
public final class TenureJobResultStore extends AbstractThreadsafeJobResultStore {

    private static final String UNKNOWN = "UNKNOWN";

    private final FinishedJobs finished;

    public TenureJobResultStore(TenureClient client, CurrentTerm current, Executor ioExecutor) {
        super(ioExecutor);
        this.finished = new FinishedJobs(client, current);
    }

    @Override
    protected void createDirtyResultInternal(JobResultEntry entry) throws IOException {
        JobResult result = entry.getJobResult();
        ObjectNode detail = TenureClient.body()
                .put("status", result.getJobStatus().map(JobStatus::name).orElse(UNKNOWN))
                .put("netRuntime", result.getNetRuntime())
                .put("startTime", result.getStartTime())
                .put("endTime", result.getEndTime());
        result.getApplicationId().ifPresent(id -> detail.put("applicationId", id.toHexString()));
        FinishedJobs.putFitting(detail, "jobName", result.getJobName());
        finished.finish(
                entry.getJobId().toHexString(), outcomeOf(result.getJobStatus().orElse(null)), detail,
                result.getSerializedThrowable().orElse(null));
    }

    private static String outcomeOf(@Nullable JobStatus status) {
        if (status == JobStatus.FINISHED) return "succeeded";
        return status == JobStatus.CANCELED ? "cancelled" : "failed";
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
                .jobName(detail.path("jobName").asText("unknown"))
                .jobStatus(statusOf(job, detail))
                .netRuntime(detail.path("netRuntime").asLong(0))
                .startTime(detail.path("startTime").asLong(-1))
                .endTime(detail.path("endTime").asLong(-1));
        if (detail.has("applicationId"))
            result.applicationId(ApplicationID.fromHexString(detail.path("applicationId").asText()));
        if (detail.has("cause"))
            result.serializedThrowable(new SerializedThrowable(new FlinkException(detail.path("cause").asText())));
        return result.build();
    }

    @Nullable
    private static JobStatus statusOf(JsonNode job, JsonNode detail) {
        if (detail.path("status").asText().equals(UNKNOWN)) return null;
        return switch (job.path("result").asText()) {
            case "succeeded" -> JobStatus.FINISHED;
            case "cancelled" -> JobStatus.CANCELED;
            default -> JobStatus.FAILED;
        };
    }
}
