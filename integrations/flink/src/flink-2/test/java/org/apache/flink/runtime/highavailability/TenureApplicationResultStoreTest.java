package org.apache.flink.runtime.highavailability;

import java.io.IOException;

import org.apache.flink.util.concurrent.Executors;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.stores.TenureApplicationResultStore;

/** Flink's own contract of a store of application results. */
class TenureApplicationResultStoreTest implements ApplicationResultStoreContractTest {

    @Override
    public ApplicationResultStore createApplicationResultStore() throws IOException {
        try {
            LeadingProcess process = LeadingProcess.of(TestService.newGroup());
            return new TenureApplicationResultStore(process.client, process.current, Executors.directExecutor());
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
