package tenure.flink.election;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

import javax.annotation.Nullable;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tenure.flink.client.ProblemException;
import tenure.flink.client.TenureClient;

/**
 * Writes the addresses of one term, in the order in which they change. Flink publishes while it holds the lock of its
 * election: so a thread of its own does the writing. The term is confirmed with the dispatcher's address, which Flink
 * publishes once the jobs are recovered; observers are shown nothing before.
 */
final class AddressPublisher implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AddressPublisher.class);
    private static final int LONGEST_ADDRESS = 256;
    private static final long AGAIN_MS = 500;

    private final TenureClient client;
    private final LeadershipPoller poller;
    private final Term term;
    private final Map<String, String> wanted = new LinkedHashMap<>();
    private final Map<String, String> written = new LinkedHashMap<>();
    private final Thread thread;
    private boolean confirmed;
    private boolean closed;

    AddressPublisher(TenureClient client, LeadershipPoller poller, Term term) {
        this.client = client;
        this.poller = poller;
        this.term = term;
        this.thread = new Thread(this::run, "tenure-addresses-" + term.fence().fencingVersion());
        thread.setDaemon(true);
        thread.start();
    }

    /** Never blocks; without an address the component's own is withdrawn. */
    synchronized void set(String componentId, @Nullable String address) {
        if (address == null) wanted.remove(componentId);
        else wanted.put(componentId, address);
        notifyAll();
    }

    private void run() {
        try {
            for (Change change = next(); change != null; change = next()) {
                try {
                    write(change);
                } catch (ProblemException e) {
                    // The election learns of the end of its term by itself.
                    if (e.is("leadership_lost") || !term.runs()) return;
                    LOG.error("The address of {} cannot be published: {}", change.componentId, e.getMessage());
                    forget(change);
                } catch (IOException e) {
                    if (!term.runs()) return;
                    LOG.warn("The address of {} is not published yet: {}", change.componentId, e.toString());
                    Thread.sleep(AGAIN_MS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void write(Change change) throws IOException, InterruptedException {
        Duration budget = client.settings().requestTimeout().multipliedBy(2);
        String path = "/leadership/addresses/" + change.componentId;
        if (change.address == null) client.call("DELETE", path, null, term.fence(), budget);
        else client.call("PUT", path, TenureClient.body().put("address", change.address), term.fence(), budget);
        if (change.address != null && change.componentId.equals(Components.DISPATCHER) && !confirmed) {
            String shown = change.address.substring(0, Math.min(LONGEST_ADDRESS, change.address.length()));
            client.call("POST", "/leadership/confirm", TenureClient.body().put("address", shown), term.fence(), budget);
            confirmed = true;
            LOG.info("Confirmed as leader of group {} with fencing version {}.",
                    client.settings().group(), term.fence().fencingVersion());
        }
        synchronized (this) {
            if (change.address == null) written.remove(change.componentId);
            else written.put(change.componentId, change.address);
        }
        poller.nudge();
    }

    /** A change that the service refuses for good is not asked for again. */
    private synchronized void forget(Change change) {
        if (change.address != null) wanted.remove(change.componentId, change.address);
        else written.remove(change.componentId);
    }

    @Nullable
    private synchronized Change next() throws InterruptedException {
        while (!closed) {
            for (Map.Entry<String, String> each : wanted.entrySet())
                if (!each.getValue().equals(written.get(each.getKey())))
                    return new Change(each.getKey(), each.getValue());
            for (String componentId : written.keySet())
                if (!wanted.containsKey(componentId)) return new Change(componentId, null);
            wait();
        }
        return null;
    }

    private record Change(String componentId, @Nullable String address) {}

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        thread.interrupt();
    }
}
