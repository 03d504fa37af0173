package org.apache.flink.runtime.checkpoint;

import org.apache.flink.api.common.JobID;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.stores.StoreAccess;

/** Flink's own contract of an id counter; in its package, since the contract is not public. */
public class TenureCheckpointIdCounterTest extends CheckpointIDCounterTestBase {

    @Override
    protected CheckpointIDCounter createCheckpointIdCounter() throws Exception {
        LeadingProcess process = LeadingProcess.of(TestService.newGroup());
        JobID jobId = new JobID();
        StoreAccess.graphs(process).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "counted"));
        return StoreAccess.counter(process, jobId);
    }
}
