package tenure.flink.stores;

import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import org.apache.flink.core.execution.RestoreMode;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.state.SharedStateRegistryFactory;
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
            int retained,
            SharedStateRegistryFactory registry,
            Executor ioExecutor,
            RestoreMode mode)
            throws Exception {
        return TenureCompletedCheckpointStore.recovered(
                new TenureJobs(client, current), jobId, retained,
                recovered -> registry.create(ioExecutor, recovered, mode), executor);
    }

    @Override
    public CheckpointIDCounter createCheckpointIDCounter(JobID jobId) {
        return new TenureCheckpointIdCounter(new TenureJobs(client, current), jobId.toHexString());
    }
}
