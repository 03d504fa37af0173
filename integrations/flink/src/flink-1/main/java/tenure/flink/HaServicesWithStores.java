package tenure.flink;

import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.blob.BlobStoreService;
import org.apache.flink.runtime.highavailability.AbstractHaServices;
import org.apache.flink.runtime.jobmanager.DefaultJobGraphStore;
import org.apache.flink.runtime.jobmanager.JobGraphStore;
import org.apache.flink.runtime.jobmanager.JobGraphStoreUtil;
import org.apache.flink.runtime.jobmanager.NoOpJobGraphStoreWatcher;
import org.apache.flink.runtime.leaderelection.LeaderElectionDriverFactory;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;
import tenure.flink.stores.ActiveJobs;
import tenure.flink.stores.TenureJobResultStore;

/** The stores of Flink 1.20: graphs of jobs, and results of jobs. */
abstract class HaServicesWithStores extends AbstractHaServices {

    final TenureClient client;
    final CurrentTerm current;

    HaServicesWithStores(
            Configuration configuration,
            TenureClient client,
            CurrentTerm current,
            LeaderElectionDriverFactory election,
            Executor executor,
            BlobStoreService blobs) {
        super(configuration, election, executor, blobs, new TenureJobResultStore(client, current, executor));
        this.client = client;
        this.current = current;
    }

    @Override
    protected JobGraphStore createJobGraphStore() {
        return new DefaultJobGraphStore<>(
                ActiveJobs.named(ActiveJobs.JOB, client, current, configuration),
                NoOpJobGraphStoreWatcher.INSTANCE, Names.HEX);
    }

    private enum Names implements JobGraphStoreUtil {
        HEX;

        @Override
        public String jobIDToName(JobID jobId) {
            return jobId.toHexString();
        }

        @Override
        public JobID nameToJobID(String name) {
            return JobID.fromHexString(name);
        }
    }
}
