package tenure.flink.cluster;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.apache.flink.api.common.JobID;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import tenure.flink.FaultyGateway;
import tenure.flink.TestService;
import tenure.flink.client.TenureClient;

/** Two JobManagers and a TaskManager in JVMs of their own, over a gateway in front of Tenure. */
final class FlinkCluster implements AutoCloseable {

    static final Duration LEASE = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration REQUEST = Duration.ofSeconds(20);

    interface Condition {
        boolean holds() throws Exception;
    }

    final Path folder;
    final FaultyGateway gateway;
    final String group = TestService.newGroup();
    final List<FlinkProcess> jobManagers = new ArrayList<>();
    private final List<FlinkProcess> all = new ArrayList<>();
    private final Configuration configuration;
    private final TenureClient observer = TestService.client(TestService.url(), group, LEASE);
    private JobID jobId;

    FlinkCluster(Path folder) throws Exception {
        this.folder = folder;
        this.gateway = new FaultyGateway(TestService.url());
        this.configuration = TestService.configuration(gateway.url(), group, LEASE);
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
        startJobManager("jobmanager-1");
        startJobManager("jobmanager-2");
        all.add(FlinkProcess.start("taskmanager", folder, TaskManagerRunner.class.getName(), "300m"));
    }

    FlinkProcess startJobManager(String name) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        FlinkProcess process = FlinkProcess.start(name, folder, StandaloneSessionClusterEntrypoint.class.getName(),
                "300m", "-Drest.port=" + port, "-Drest.bind-port=" + port,
                "-Dhigh-availability.tenure.contender=" + name);
        jobManagers.add(process);
        all.add(process);
        return process;
    }

    JsonNode leadership() throws Exception {
        return observer.get("/leadership?consistent=true", REQUEST);
    }

    /** The JobManager that observers are shown. */
    FlinkProcess awaitLeader() throws Exception {
        await("a JobManager leads", () -> leadership().path("leader").isObject());
        return leader();
    }

    private FlinkProcess leader() throws Exception {
        String contender = leadership().path("leader").path("contenderId").asText();
        // One that was started again has the name of the one before.
        return jobManagers.stream().filter(each -> each.name.equals(contender) && each.isAlive())
                .reduce((first, last) -> last).orElse(null);
    }

    FlinkProcess awaitLeaderOtherThan(FlinkProcess old) throws Exception {
        await("another JobManager leads", () -> leader() != null && leader() != old);
        return leader();
    }

    /** Submitted as the command line does it: the address of the REST server comes from Tenure. */
    void submit() throws Exception {
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(configuration, StandaloneClusterId.getInstance())) {
            jobId = client.submitJob(CountingJob.graph(folder)).get();
        }
        awaitCheckpointsAfter(0);
    }

    void cancel() throws Exception {
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(configuration, StandaloneClusterId.getInstance())) {
            client.cancel(jobId).get();
        }
    }

    JsonNode job() throws Exception {
        return observer.get("/jobs/" + jobId.toHexString(), REQUEST);
    }

    long newestCheckpoint() throws Exception {
        JsonNode checkpoints = job().path("checkpoints");
        return checkpoints.isEmpty() ? 0 : checkpoints.get(checkpoints.size() - 1).path("checkpointId").asLong();
    }

    /** The second one after it: begun, for certain, after this moment. */
    void awaitCheckpointsAfter(long checkpointId) throws Exception {
        await("checkpoints after " + checkpointId, () -> newestCheckpoint() >= checkpointId + 2);
    }

    /** Lets the job come to its end, and returns what it has counted. */
    long finish() throws Exception {
        Files.createFile(folder.resolve("stop"));
        await("the result of the job is clean", () -> !job().path("state").asText().equals("ACTIVE") && !job().has("cleanUp"));
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
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                if (condition.holds()) return;
            } catch (IOException e) {
                if (System.nanoTime() > until) throw e;
            }
            if (System.nanoTime() > until)
                throw new AssertionError("Waited " + PATIENCE + " in vain until " + what + "\n"
                        + all.stream().map(FlinkProcess::tail).collect(Collectors.joining("\n\n")));
            Thread.sleep(100);
        }
    }

    @Override
    public void close() throws Exception {
        for (FlinkProcess each : all) {
            each.signal("CONT");
            each.kill();
        }
        gateway.close();
    }
}
