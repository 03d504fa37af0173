package tenure.flink.cluster;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.annotation.Nullable;

import org.apache.flink.api.common.JobID;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;

/** Two JobManagers and a TaskManager in JVMs of their own, beside the service that elects the leader. */
final class FlinkCluster implements AutoCloseable {

    static final Duration LEASE = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    interface Condition {
        boolean holds() throws Exception;
    }

    final Path folder;
    final Coordinator coordinator;
    final List<FlinkProcess> jobManagers = new ArrayList<>();
    private final Map<FlinkProcess, Integer> ports = new HashMap<>();
    private final List<FlinkProcess> all = new ArrayList<>();
    private final Configuration configuration = new Configuration();
    private final LeaderView view;
    private JobID jobId;

    FlinkCluster(Path folder, Coordinator coordinator) throws Exception {
        this.folder = folder;
        this.coordinator = coordinator;
        coordinator.configure(configuration);
        configuration.set(HighAvailabilityOptions.HA_STORAGE_PATH, folder.resolve("ha").toUri().toString());
        configuration.setString("state.checkpoints.dir", folder.resolve("checkpoints").toUri().toString());
        configuration.setString("jobmanager.rpc.address", "127.0.0.1");
        configuration.setString("jobmanager.bind-host", "127.0.0.1");
        configuration.setString("jobmanager.rpc.port", "0");
        configuration.setString("rest.bind-address", "127.0.0.1");
        configuration.setString("taskmanager.bind-host", "127.0.0.1");
        configuration.setString("taskmanager.host", "127.0.0.1");
        configuration.setString("taskmanager.numberOfTaskSlots", "2");
        configuration.setString("taskmanager.cpu.cores", "1.0");
        configuration.setString("taskmanager.memory.task.heap.size", "128m");
        configuration.setString("taskmanager.memory.task.off-heap.size", "0m");
        configuration.setString("taskmanager.memory.managed.size", "16m");
        configuration.setString("taskmanager.memory.network.min", "32m");
        configuration.setString("taskmanager.memory.network.max", "32m");
        configuration.setString("taskmanager.memory.framework.heap.size", "64m");
        configuration.setString("taskmanager.memory.framework.off-heap.size", "64m");
        configuration.setString("taskmanager.memory.jvm-metaspace.size", "128m");
        configuration.setString("taskmanager.memory.jvm-overhead.min", "64m");
        configuration.setString("taskmanager.memory.jvm-overhead.max", "64m");
        configuration.setString("heartbeat.interval", "1000");
        configuration.setString("heartbeat.timeout", "20000");
        Files.createDirectories(folder.resolve("conf"));
        String yaml = configuration.toMap().entrySet().stream()
                .map(each -> each.getKey() + ": \"" + each.getValue() + "\"")
                .collect(Collectors.joining("\n"));
        Files.writeString(folder.resolve("conf").resolve("config.yaml"), yaml + "\n");
        startJobManager();
        startJobManager();
        all.add(FlinkProcess.java("taskmanager", folder, TaskManagerRunner.class.getName(), "300m",
                "--configDir", folder.resolve("conf").toString()));
        view = new LeaderView(configuration);
    }

    static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    FlinkProcess startJobManager() throws IOException {
        int port = freePort();
        String name = "jobmanager-" + (jobManagers.size() + 1);
        FlinkProcess process = FlinkProcess.java(name, folder, StandaloneSessionClusterEntrypoint.class.getName(),
                "300m", "--configDir", folder.resolve("conf").toString(), "-Drest.port=" + port,
                "-Drest.bind-port=" + port, "-Dhigh-availability.tenure.contender=" + name);
        jobManagers.add(process);
        ports.put(process, port);
        all.add(process);
        return process;
    }

    /** The JobManager that clients are shown, if it is one that lives. */
    @Nullable
    private FlinkProcess leader() {
        String address = view.address();
        if (address == null) return null;
        return jobManagers.stream().filter(each -> each.isAlive() && address.endsWith(":" + ports.get(each)))
                .findFirst().orElse(null);
    }

    @Nullable
    UUID session() {
        return view.session();
    }

    FlinkProcess awaitLeader() throws Exception {
        await("a JobManager leads", () -> leader() != null);
        return leader();
    }

    FlinkProcess awaitLeaderOtherThan(FlinkProcess old) throws Exception {
        await("another JobManager leads", () -> leader() != null && leader() != old);
        return leader();
    }

    /** Two live, and the REST servers of both are open: each begins to contend at about that time. */
    void awaitStandby() throws Exception {
        List<FlinkProcess> alive = jobManagers.stream().filter(FlinkProcess::isAlive).toList();
        for (int missing = alive.size(); missing < 2; missing += 1) startJobManager();
        for (FlinkProcess each : jobManagers) {
            if (!each.isAlive()) continue;
            await(each.name + " is up", () -> {
                try (Socket socket = new Socket("127.0.0.1", ports.get(each))) {
                    return socket.isConnected();
                }
            });
        }
    }

    /** Submitted as the command line does it: the address of the REST server comes from the service. */
    void submit() throws Exception {
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(configuration, StandaloneClusterId.getInstance())) {
            jobId = client.submitJob(CountingJob.graph(folder)).get();
        }
        awaitTwoCheckpoints();
    }

    void cancel() throws Exception {
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(configuration, StandaloneClusterId.getInstance())) {
            client.cancel(jobId).get();
        }
    }

    JobID jobId() {
        return jobId;
    }

    /** The second one from now on: begun, for certain, after this moment. */
    void awaitTwoCheckpoints() throws Exception {
        int before = lines("completed").size();
        await("two checkpoints after the first " + before, () -> lines("completed").size() >= before + 2);
    }

    /** Lets the job come to its end, and returns what it has counted. */
    long finish() throws Exception {
        Files.createFile(folder.resolve("stop"));
        await("the job has a result", () -> !lines("result").isEmpty());
        return Long.parseLong(last("result"));
    }

    String last(String file) throws IOException {
        List<String> lines = lines(file);
        return lines.get(lines.size() - 1);
    }

    List<String> lines(String file) throws IOException {
        Path path = folder.resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    /** Files of checkpoints; Flink keeps one folder for each job. */
    List<Path> checkpointFiles() throws IOException {
        if (!Files.exists(folder.resolve("checkpoints"))) return List.of();
        try (Stream<Path> files = Files.walk(folder.resolve("checkpoints"))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    void await(String what, Condition condition) throws Exception {
        await(PATIENCE, what, condition,
                () -> all.stream().map(FlinkProcess::tail).collect(Collectors.joining("\n\n")));
    }

    static void await(Duration patience, String what, Condition condition, Supplier<String> state) throws Exception {
        long until = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                if (condition.holds()) return;
            } catch (IOException e) {
                if (System.nanoTime() > until) throw e;
            }
            if (System.nanoTime() > until)
                throw new AssertionError("Waited " + patience + " in vain until " + what + "\n" + state.get());
            Thread.sleep(50);
        }
    }

    @Override
    public void close() throws Exception {
        view.close();
        for (FlinkProcess each : all) {
            each.signal("CONT");
            each.kill();
        }
    }
}
