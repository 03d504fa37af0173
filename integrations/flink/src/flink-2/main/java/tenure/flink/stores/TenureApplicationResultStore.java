package tenure.flink.stores;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.ApplicationID;
import org.apache.flink.api.common.ApplicationState;
import org.apache.flink.runtime.highavailability.AbstractThreadsafeApplicationResultStore;
import org.apache.flink.runtime.highavailability.ApplicationResult;
import org.apache.flink.runtime.highavailability.ApplicationResultEntry;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/** Results of applications, kept like those of jobs: an application that has ended does not run again. */
public final class TenureApplicationResultStore extends AbstractThreadsafeApplicationResultStore {

    private final FinishedJobs finished;

    public TenureApplicationResultStore(TenureClient client, CurrentTerm current, Executor ioExecutor) {
        super(ioExecutor);
        this.finished = new FinishedJobs(client, current);
    }

    private static String nameOf(ApplicationID applicationId) {
        return Applications.PREFIXED.applicationIdToName(applicationId);
    }

    @Override
    protected void createDirtyResultInternal(ApplicationResultEntry entry) throws IOException {
        ApplicationResult result = entry.getApplicationResult();
        ObjectNode detail = TenureClient.body()
                .put("status", result.getApplicationState().name())
                .put("startTime", result.getStartTime())
                .put("endTime", result.getEndTime());
        FinishedJobs.putFitting(detail, "name", result.getApplicationName());
        finished.finish(nameOf(entry.getApplicationId()), outcomeOf(result.getApplicationState()), detail, null);
    }

    private static String outcomeOf(ApplicationState state) {
        if (state == ApplicationState.FINISHED) return "succeeded";
        return state == ApplicationState.CANCELED ? "cancelled" : "failed";
    }

    @Override
    protected void markResultAsCleanInternal(ApplicationID applicationId) throws IOException {
        finished.acknowledge(nameOf(applicationId));
    }

    @Override
    protected boolean hasDirtyApplicationResultEntryInternal(ApplicationID applicationId) throws IOException {
        return finished.isDirty(nameOf(applicationId));
    }

    @Override
    protected boolean hasCleanApplicationResultEntryInternal(ApplicationID applicationId) throws IOException {
        return finished.clean(nameOf(applicationId)) != null;
    }

    @Override
    protected Set<ApplicationResult> getDirtyResultsInternal() throws IOException {
        Set<ApplicationResult> results = new HashSet<>();
        for (JsonNode job : finished.dirty(Applications.NAMES)) results.add(resultOf(job));
        return results;
    }

    @Override
    @Nullable
    protected ApplicationResult getCleanApplicationResultInternal(ApplicationID applicationId) throws IOException {
        JsonNode job = finished.clean(nameOf(applicationId));
        return job == null ? null : resultOf(job);
    }

    private static ApplicationResult resultOf(JsonNode job) {
        JsonNode detail = FinishedJobs.detailOf(job);
        return new ApplicationResult.Builder()
                .applicationId(Applications.PREFIXED.nameToApplicationId(job.path("jobId").asText()))
                .applicationState(stateOf(job))
                .applicationName(detail.path("name").asText("unknown"))
                .startTime(detail.path("startTime").asLong(-1))
                .endTime(detail.path("endTime").asLong(-1))
                .build();
    }

    private static ApplicationState stateOf(JsonNode job) {
        return switch (job.path("result").asText()) {
            case "succeeded" -> ApplicationState.FINISHED;
            case "cancelled" -> ApplicationState.CANCELED;
            default -> ApplicationState.FAILED;
        };
    }
}
