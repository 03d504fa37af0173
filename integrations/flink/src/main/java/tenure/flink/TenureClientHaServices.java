package tenure.flink;

import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.leaderretrieval.DefaultLeaderRetrievalService;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalService;
import tenure.flink.client.TenureClient;
import tenure.flink.election.Components;
import tenure.flink.election.LeadershipPoller;
import tenure.flink.election.TenureLeaderRetrievalDriver;

/** For the command line and other clients of a cluster: where its REST endpoint is. */
final class TenureClientHaServices implements ClientHighAvailabilityServices {

    private final LeadershipPoller poller;

    TenureClientHaServices(TenureClient client) {
        this.poller = new LeadershipPoller(client);
    }

    @Override
    public LeaderRetrievalService getClusterRestEndpointLeaderRetriever() {
        return new DefaultLeaderRetrievalService(
                TenureLeaderRetrievalDriver.factory(poller, Components.REST_SERVER));
    }

    @Override
    public void close() {
        poller.close();
    }
}
