package org.apache.flink.runtime.checkpoint;

import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.stores.StoreAccess;

/** Flink's own contract of a store of completed checkpoints; in its package, since the contract is not public. */
class TenureCompletedCheckpointStoreTest extends CompletedCheckpointStoreTest {

    @Override
    protected CompletedCheckpointStore createRecoveredCompletedCheckpointStore(int retained, Executor executor)
            throws Exception {
        LeadingProcess process = LeadingProcess.of(TestService.newGroup());
        JobID jobId = new JobID();
        StoreAccess.graphs(process).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "checkpointed"));
        return StoreAccess.store(process, jobId, retained, executor);
    }
}
