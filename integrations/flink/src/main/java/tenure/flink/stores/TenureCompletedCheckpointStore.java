package tenure.flink.stores;

import java.util.Collection;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.checkpoint.CheckpointsCleaner;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStore;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.runtime.state.SharedStateRegistry;

/**
 * Flink's own store, but for the order in which a subsumed checkpoint goes: first its files, then its reference. Flink
 * drops the reference first, and a JobManager that is killed in between leaves files that nothing refers to. A
 * reference without files does no harm: the next leader subsumes it with its first checkpoint and never restores it,
 * since a newer one is committed.
 */
final class TenureCompletedCheckpointStore extends DefaultCompletedCheckpointStore<IntegerResourceVersion> {

    private final Checkpoints checkpoints;
    @Nullable private final UncommittedFolders uncommitted;

    TenureCompletedCheckpointStore(
            int retained,
            Checkpoints checkpoints,
            Collection<CompletedCheckpoint> recovered,
            SharedStateRegistry registry,
            @Nullable UncommittedFolders uncommitted,
            Executor executor) {
        super(retained, checkpoints, Checkpoints.Names.PADDED, recovered, registry, executor);
        this.checkpoints = checkpoints;
        this.uncommitted = uncommitted;
        checkpoints.deferDrops(true);
        if (uncommitted != null) executor.execute(uncommitted::delete);
    }

    @Override
    public CompletedCheckpoint addCheckpointAndSubsumeOldestOne(
            CompletedCheckpoint checkpoint, CheckpointsCleaner cleaner, Runnable postCleanup) throws Exception {
        return super.addCheckpointAndSubsumeOldestOne(checkpoint, cleaner, () -> {
            checkpoints.dropCleaned();
            postCleanup.run();
        });
    }

    @Override
    public void shutdown(JobStatus status, CheckpointsCleaner cleaner) throws Exception {
        checkpoints.deferDrops(false);
        super.shutdown(status, cleaner);
        // A task of the earlier term may have written after the first time.
        if (uncommitted != null && status.isGloballyTerminalState()) uncommitted.delete();
    }
}
