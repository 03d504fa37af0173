package tenure.flink.stores;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStoreUtils;
import org.apache.flink.core.execution.RestoreMode;
import org.apache.flink.runtime.state.SharedStateRegistryFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/** Gives Flink's own checkpoint store the references that Tenure keeps of a job. */
public final class TenureCheckpointRecoveryFactory implements CheckpointRecoveryFactory {

    private final TenureClient client;
    private final CurrentTerm current;
    private final Executor executor;

    public TenureCheckpointRecoveryFactory(TenureClient client, CurrentTerm current, Executor executor) {
        this.client = client;
        this.current = current;
        this.executor = executor;
    }

    @Override
    public CompletedCheckpointStore createRecoveredCompletedCheckpointStore(
            JobID jobId,
            int maxNumberOfCheckpointsToRetain,
            SharedStateRegistryFactory sharedStateRegistryFactory,
            Executor ioExecutor,
            RestoreMode restoreMode)
            throws Exception {
        TenureJobs jobs = new TenureJobs(client, current);
        Checkpoints checkpoints = new Checkpoints(jobs, jobId.toHexString());
        List<CompletedCheckpoint> recovered = List.copyOf(
                DefaultCompletedCheckpointStoreUtils.retrieveCompletedCheckpoints(checkpoints, Checkpoints.Names.PADDED));
        return new TenureCompletedCheckpointStore(
                maxNumberOfCheckpointsToRetain,
                checkpoints,
                recovered,
                sharedStateRegistryFactory.create(ioExecutor, recovered, restoreMode),
                uncommitted(jobs, jobId, recovered),
                executor);
    }

    @Nullable
    private static UncommittedFolders uncommitted(TenureJobs jobs, JobID jobId, List<CompletedCheckpoint> recovered)
            throws IOException, InterruptedException {
        if (recovered.isEmpty()) return null;
        JsonNode job = jobs.findJob(jobId.toHexString());
        if (job == null) return null;
        return UncommittedFolders.between(
                recovered.get(recovered.size() - 1), job.path("nextCheckpointId").asLong());
    }

    @Override
    public CheckpointIDCounter createCheckpointIDCounter(JobID jobId) {
        return new TenureCheckpointIdCounter(new TenureJobs(client, current), jobId.toHexString());
    }
}
