package tenure.flink.stores;

import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.persistence.IntegerResourceVersion;
import org.apache.flink.runtime.persistence.StateHandleStore;
import tenure.flink.LeadingProcess;

/** The stores as Flink's own contract tests need them. */
public final class StoreAccess {

    private StoreAccess() {}

    public static StateHandleStore<JobGraph, IntegerResourceVersion> graphs(LeadingProcess process) {
        return new ActiveJobs<>(new TenureJobs(process.client, process.current), ActiveJobs.JOB, 1);
    }

    public static StateHandleStore<CompletedCheckpoint, IntegerResourceVersion> checkpoints(
            LeadingProcess process, JobID jobId) {
        return new Checkpoints(new TenureJobs(process.client, process.current), jobId.toHexString());
    }

    public static CheckpointIDCounter counter(LeadingProcess process, JobID jobId) {
        return new TenureCheckpointIdCounter(new TenureJobs(process.client, process.current), jobId.toHexString());
    }

    public static CompletedCheckpointStore store(
            LeadingProcess process, JobID jobId, int retained, Executor executor) throws Exception {
        return TenureCompletedCheckpointStore.recovered(
                new TenureJobs(process.client, process.current), jobId, retained,
                recovered -> SharedStates.registry(executor, recovered), executor);
    }

    public static JobGraph graph(JobID jobId, String name) {
        return new JobGraph(jobId, name);
    }
}
