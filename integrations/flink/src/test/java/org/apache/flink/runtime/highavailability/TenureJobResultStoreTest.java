package org.apache.flink.runtime.highavailability;

import java.io.IOException;

import org.apache.flink.util.concurrent.Executors;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.stores.TenureJobResultStore;

/** Flink's own contract of a store of job results. */
class TenureJobResultStoreTest implements JobResultStoreContractTest {

    @Override
    public JobResultStore createJobResultStore() throws IOException {
        try {
            LeadingProcess process = LeadingProcess.of(TestService.newGroup());
            return new TenureJobResultStore(process.client, process.current, Executors.directExecutor());
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
