package tenure.flink.stores;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Function;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.checkpoint.CheckpointsCleaner;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStore;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStoreUtils;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.runtime.state.SharedStateRegistry;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * Flink's own store, but for the order in which a subsumed checkpoint goes: first its files, then its reference. Flink
 * drops the reference first, and a JobManager that is killed in between leaves files that nothing refers to. A
 * reference without files does no harm: the next leader subsumes it with its first checkpoint and never restores it,
 * since a newer one is committed.
 */
final class TenureCompletedCheckpointStore extends DefaultCompletedCheckpointStore<IntegerResourceVersion> {

    private final Checkpoints checkpoints;
    @Nullable private final UncommittedFolders uncommitted;

    private TenureCompletedCheckpointStore(
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

    /** With what the job has committed so far; how shared state is registered differs between versions of Flink. */
    static TenureCompletedCheckpointStore recovered(
            TenureJobs jobs,
            JobID jobId,
            int retained,
            Function<List<CompletedCheckpoint>, SharedStateRegistry> registry,
            Executor executor)
            throws Exception {
        Checkpoints checkpoints = new Checkpoints(jobs, jobId.toHexString());
        List<CompletedCheckpoint> recovered = List.copyOf(
                DefaultCompletedCheckpointStoreUtils.retrieveCompletedCheckpoints(checkpoints, Checkpoints.Names.PADDED));
        return new TenureCompletedCheckpointStore(
                retained, checkpoints, recovered, registry.apply(recovered),
                uncommitted(jobs, jobId, recovered), executor);
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
