package tenure.flink.cluster;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts 0, 1, 2 … in the source and again behind it, both in checkpointed state. After a restore the two agree only if
 * every number was counted exactly once; what does not agree is noted in {@code violations}. Each completed checkpoint
 * is noted in {@code completed}. Ends when a file {@code stop} appears in its folder, and leaves the count in
 * {@code result}.
 */
final class CountingJob {

    private CountingJob() {}

    static JobGraph graph(Path folder) {
        Configuration configuration = new Configuration();
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 10_000);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(500));
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        environment.setParallelism(1);
        environment.addSource(new Numbers(folder.toString()), "numbers", Types.LONG)
                .rebalance()
                .addSink(new Counter(folder.toString()))
                .name("counter");
        return environment.getStreamGraph().getJobGraph();
    }

    private static void note(String folder, String file, String line) {
        try {
            Files.writeString(Path.of(folder, file), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One number in its state: the next to emit, or the next to expect. */
    private abstract static class Counted implements CheckpointedFunction, Serializable {
        private static final long serialVersionUID = 1L;
        final String folder;
        transient ListState<Long> state;
        long next;

        Counted(String folder) {
            this.folder = folder;
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) throws Exception {
            state.clear();
            state.add(next);
        }

        @Override
        public void initializeState(FunctionInitializationContext context) throws Exception {
            state = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("next", Types.LONG));
            for (Long each : state.get()) next = each;
            if (context.isRestored())
                note(folder, "restored", getClass().getSimpleName() + " "
                        + context.getRestoredCheckpointId().getAsLong() + " " + next);
        }
    }

    private static final class Numbers extends Counted implements NumberSource {
        private static final long serialVersionUID = 1L;
        private volatile boolean cancelled;

        Numbers(String folder) {
            super(folder);
        }

        @Override
        public void run(SourceContext<Long> context) throws Exception {
            while (!cancelled && !Files.exists(Path.of(folder, "stop"))) {
                synchronized (context.getCheckpointLock()) {
                    context.collect(next);
                    next += 1;
                }
                Thread.sleep(2);
            }
            if (!cancelled) note(folder, "emitted", String.valueOf(next));
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    private static final class Counter extends Counted implements NumberSink, CheckpointListener {
        private static final long serialVersionUID = 1L;

        Counter(String folder) {
            super(folder);
        }

        @Override
        public void invoke(Long number, Context context) {
            if (number != next) note(folder, "violations", "expected " + next + ", received " + number);
            next += 1;
        }

        /** Its reference is stored by now. */
        @Override
        public void notifyCheckpointComplete(long checkpointId) {
            note(folder, "completed", String.valueOf(checkpointId));
        }

        @Override
        public void finish() {
            note(folder, "result", String.valueOf(next));
        }
    }
}
