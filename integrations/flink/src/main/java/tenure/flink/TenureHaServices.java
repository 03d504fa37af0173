package tenure.flink;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executor;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.blob.BlobStoreService;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.leaderretrieval.DefaultLeaderRetrievalService;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalService;
import tenure.flink.client.Fence;
import tenure.flink.client.TenureClient;
import tenure.flink.election.Components;
import tenure.flink.election.CurrentTerm;
import tenure.flink.election.LeadershipPoller;
import tenure.flink.election.TenureLeaderElectionDriver;
import tenure.flink.election.TenureLeaderRetrievalDriver;
import tenure.flink.stores.TenureCheckpointRecoveryFactory;

/** One lease for each process, and everything that its next holder needs, in one group of Tenure. */
final class TenureHaServices extends HaServicesWithStores {

    private static final Duration FAREWELL = Duration.ofSeconds(5);

    private final LeadershipPoller poller;

    TenureHaServices(
            Configuration configuration,
            TenureClient client,
            CurrentTerm current,
            Executor executor,
            BlobStoreService blobs) {
        this(configuration, client, current, new LeadershipPoller(client), executor, blobs);
    }

    private TenureHaServices(
            Configuration configuration,
            TenureClient client,
            CurrentTerm current,
            LeadershipPoller poller,
            Executor executor,
            BlobStoreService blobs) {
        super(
                configuration, client, current, TenureLeaderElectionDriver.factory(client, poller, current), executor,
                blobs);
        this.poller = poller;
    }

    @Override
    protected LeaderRetrievalService createLeaderRetrievalService(String componentId) {
        return new DefaultLeaderRetrievalService(TenureLeaderRetrievalDriver.factory(poller, componentId));
    }

    /** Made anew by Flink for each term: what a store of an earlier term writes is refused. */
    @Override
    protected CheckpointRecoveryFactory createCheckpointRecoveryFactory() {
        return new TenureCheckpointRecoveryFactory(client, current, ioExecutor);
    }

    @Override
    protected void internalClose() {
        poller.close();
    }

    /** Results of finished jobs stay readable for their retention; an operator deletes a whole group. */
    @Override
    protected void internalCleanup() {
        logger.info("Group {} keeps the results of its jobs until they expire.", client.settings().group());
    }

    @Override
    protected void internalCleanupJobData(JobID jobId) throws IOException, InterruptedException {
        @Nullable Fence fence = current.fenceOrNull();
        // Its term is over, and the address with it.
        if (fence == null) return;
        client.call("DELETE", "/leadership/addresses/" + Components.jobManager(jobId), null, fence, FAREWELL);
    }

    @Override
    protected String getLeaderPathForResourceManager() {
        return Components.RESOURCE_MANAGER;
    }

    @Override
    protected String getLeaderPathForDispatcher() {
        return Components.DISPATCHER;
    }

    @Override
    protected String getLeaderPathForJobManager(JobID jobId) {
        return Components.jobManager(jobId);
    }

    @Override
    protected String getLeaderPathForRestServer() {
        return Components.REST_SERVER;
    }
}
