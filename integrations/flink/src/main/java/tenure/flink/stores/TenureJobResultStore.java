package tenure.flink.stores;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashSet;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.clusterframework.ApplicationStatus;
import org.apache.flink.runtime.highavailability.AbstractThreadsafeJobResultStore;
import org.apache.flink.runtime.highavailability.JobResultEntry;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import tenure.flink.client.ProblemException;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/**
 * Results in Tenure: dirty is a finished job whose clean-up is held, clean one whose clean-up was acknowledged. A clean
 * result stays until its retention ends, so that no job runs twice. Of a result its status, run time and cause are
 * kept; accumulators are not.
 */
public final class TenureJobResultStore extends AbstractThreadsafeJobResultStore {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_CAUSE = 400;

    private final TenureClient client;
    private final CurrentTerm current;

    public TenureJobResultStore(TenureClient client, CurrentTerm current, Executor ioExecutor) {
        super(ioExecutor);
        this.client = client;
        this.current = current;
    }

    private TenureJobs jobs() {
        return new TenureJobs(client, current);
    }

    private interface Request<T> {
        T send() throws IOException, InterruptedException;
    }

    private static <T> T uninterrupted(Request<T> request) throws IOException {
        try {
            return request.send();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted while a job result was read or written");
        }
    }

    @Override
    protected void createDirtyResultInternal(JobResultEntry entry) throws IOException {
        JobResult result = entry.getJobResult();
        ObjectNode body = TenureClient.body()
                .put("result", outcomeOf(result.getApplicationStatus()))
                .put("detail", detailOf(result))
                .put("cleanUp", "held");
        String path = "/jobs/" + entry.getJobId().toHexString() + "/finish";
        uninterrupted(() -> jobs().write("POST", path, body));
    }

    private static String outcomeOf(ApplicationStatus status) {
        return switch (status) {
            case SUCCEEDED -> "succeeded";
            case CANCELED -> "cancelled";
            case FAILED, UNKNOWN -> "failed";
        };
    }

    private static String detailOf(JobResult result) {
        ObjectNode detail = TenureClient.body()
                .put("status", result.getApplicationStatus().name())
                .put("netRuntime", result.getNetRuntime());
        result.getSerializedThrowable().ifPresent(cause -> {
            String text = String.valueOf(cause);
            detail.put("cause", text.substring(0, Math.min(LONGEST_CAUSE, text.length())));
        });
        return detail.toString();
    }

    @Override
    protected void markResultAsCleanInternal(JobID jobId) throws IOException {
        try {
            uninterrupted(() -> jobs().write("POST", "/jobs/" + jobId.toHexString() + "/clean", null));
        } catch (ProblemException e) {
            if (!e.is("not_found") && !e.is("job_active")) throw e;
            throw new NoSuchElementException("Job " + jobId + " has no dirty result");
        }
    }

    @Override
    protected boolean hasDirtyJobResultEntryInternal(JobID jobId) throws IOException {
        JsonNode job = uninterrupted(() -> jobs().findJob(jobId.toHexString()));
        return isDirty(job);
    }

    @Override
    protected boolean hasCleanJobResultEntryInternal(JobID jobId) throws IOException {
        JsonNode job = uninterrupted(() -> jobs().findJob(jobId.toHexString()));
        return job != null && !TenureJobs.isActive(job) && !isDirty(job);
    }

    private static boolean isDirty(@Nullable JsonNode job) {
        return job != null && job.path("state").asText().equals("FINISHED") && job.has("cleanUp");
    }

    @Override
    protected Set<JobResult> getDirtyResultsInternal() throws IOException {
        Set<JobResult> results = new HashSet<>();
        for (JsonNode job : uninterrupted(() -> jobs().list("/jobs?state=FINISHED&limit=1000")))
            if (isDirty(job)) results.add(resultOf(job));
        return results;
    }

    private static JobResult resultOf(JsonNode job) {
        JsonNode detail = parse(job.path("detail").asText());
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

    /** The detail of a job that somebody else has finished is any text. */
    private static JsonNode parse(String detail) {
        try {
            return JSON.readTree(detail);
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }
}
