package tenure.flink;

import java.util.concurrent.Executor;

import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.blob.BlobStoreService;
import org.apache.flink.runtime.highavailability.AbstractHaServices;
import org.apache.flink.runtime.jobmanager.ApplicationStore;
import org.apache.flink.runtime.jobmanager.DefaultApplicationStore;
import org.apache.flink.runtime.jobmanager.DefaultExecutionPlanStore;
import org.apache.flink.runtime.jobmanager.ExecutionPlanStore;
import org.apache.flink.runtime.jobmanager.ExecutionPlanStoreUtil;
import org.apache.flink.runtime.jobmanager.NoOpExecutionPlanStoreWatcher;
import org.apache.flink.runtime.leaderelection.LeaderElectionDriverFactory;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;
import tenure.flink.stores.ActiveJobs;
import tenure.flink.stores.Applications;
import tenure.flink.stores.TenureApplicationResultStore;
import tenure.flink.stores.TenureJobResultStore;

/** The stores of Flink 2: execution plans and results of jobs, applications and their results. */
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
        super(configuration, election, executor, blobs,
                new TenureJobResultStore(client, current, executor),
                new TenureApplicationResultStore(client, current, executor));
        this.client = client;
        this.current = current;
    }

    @Override
    protected ExecutionPlanStore createExecutionPlanStore() {
        return new DefaultExecutionPlanStore<>(
                ActiveJobs.named(ActiveJobs.JOB, client, current, configuration),
                NoOpExecutionPlanStoreWatcher.INSTANCE, Names.HEX);
    }

    @Override
    protected ApplicationStore createApplicationStore() {
        return new DefaultApplicationStore<>(
                ActiveJobs.named(Applications.NAMES, client, current, configuration), Applications.PREFIXED);
    }

    private enum Names implements ExecutionPlanStoreUtil {
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
