package tenure.flink.cluster;

import java.time.Duration;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** The ways in which a cluster loses its leader, or the service by which it is elected. */
enum Loss {
    KILLED("`kill -9` of the leader") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            long lostAt = System.nanoTime();
            leader.kill();
            cluster.awaitLeaderOtherThan(leader);
            return lostAt;
        }
    },

    FROZEN("SIGSTOP of the leader, thawed later") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            long lostAt = System.nanoTime();
            leader.signal("STOP");
            cluster.awaitLeaderOtherThan(leader);
            return lostAt;
        }

        @Override
        void mend(FlinkProcess leader) throws Exception {
            leader.signal("CONT");
        }
    },

    TERMINATED("SIGTERM of the leader") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            long lostAt = System.nanoTime();
            leader.signal("TERM");
            cluster.awaitLeaderOtherThan(leader);
            return lostAt;
        }
    },

    BOTH_KILLED("both killed, one started again") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            long lostAt = System.nanoTime();
            for (FlinkProcess each : cluster.jobManagers) each.kill();
            cluster.startJobManager();
            cluster.awaitLeaderOtherThan(leader);
            return lostAt;
        }
    },

    SILENT_SHORTLY("the service frozen for 2 s, from its thaw") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            UUID session = cluster.session();
            freeze(cluster, Duration.ofSeconds(2));
            long thawedAt = System.nanoTime();
            cluster.awaitTwoCheckpoints();
            if (cluster.coordinator.kind() == Coordinator.Kind.TENURE)
                assertThat(cluster.session()).as("the same term").isEqualTo(session);
            return thawedAt;
        }

        @Override
        boolean keepsTheTerm() {
            return true;
        }
    },

    SILENT_LONG("the service frozen for 10 s, from its thaw") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            freeze(cluster, Duration.ofSeconds(10));
            return System.nanoTime();
        }
    },

    RESTARTED("the service stopped and started, from its readiness") {
        @Override
        long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception {
            cluster.coordinator.restart();
            return System.nanoTime();
        }

        /** A service that is back within the lease or session, as on a quiet machine, has the same leader. */
        @Override
        boolean keepsTheTerm() {
            return true;
        }
    };

    final String title;

    Loss(String title) {
        this.title = title;
    }

    /** Returns the instant from which the time without checkpoints counts. */
    abstract long inflict(FlinkCluster cluster, FlinkProcess leader) throws Exception;

    /** After the measurement, before the next loss. */
    void mend(FlinkProcess leader) throws Exception {}

    /** Whether the job may continue without a restore. */
    boolean keepsTheTerm() {
        return false;
    }

    private static void freeze(FlinkCluster cluster, Duration time) throws Exception {
        cluster.coordinator.process().signal("STOP");
        Thread.sleep(time.toMillis());
        cluster.coordinator.process().signal("CONT");
    }
}
