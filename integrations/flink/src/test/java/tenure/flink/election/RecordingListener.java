package tenure.flink.election;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.apache.flink.runtime.leaderelection.LeaderElectionDriver;
import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.runtime.leaderelection.LeaderInformationRegister;

/** Notes what a driver tells Flink, in order. */
final class RecordingListener implements LeaderElectionDriver.Listener {

    static final String REVOKED = "revoked";

    final BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    final List<Throwable> errors = new CopyOnWriteArrayList<>();

    @Override
    public void onGrantLeadership(UUID leaderSessionID) {
        events.add(leaderSessionID);
    }

    @Override
    public void onRevokeLeadership() {
        events.add(REVOKED);
    }

    @Override
    public void onLeaderInformationChange(String componentId, LeaderInformation leaderInformation) {}

    @Override
    public void onLeaderInformationChange(LeaderInformationRegister leaderInformationRegister) {}

    @Override
    public void onError(Throwable t) {
        errors.add(t);
    }

    UUID granted() throws InterruptedException {
        return (UUID) next();
    }

    Object next() throws InterruptedException {
        Object event = events.poll(60, TimeUnit.SECONDS);
        if (event == null) throw new AssertionError("The driver told nothing for 60 s; errors: " + errors);
        return event;
    }

    boolean isQuietFor(Duration time) throws InterruptedException {
        return events.poll(time.toMillis(), TimeUnit.MILLISECONDS) == null;
    }
}
