package tenure.flink.stores;

import java.util.Collection;
import java.util.concurrent.Executor;

import org.apache.flink.core.execution.RestoreMode;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.state.SharedStateRegistry;

/** How this version of Flink registers the state that checkpoints share. */
final class SharedStates {

    private SharedStates() {}

    static SharedStateRegistry registry(Executor executor, Collection<CompletedCheckpoint> recovered) {
        return SharedStateRegistry.DEFAULT_FACTORY.create(executor, recovered, RestoreMode.DEFAULT);
    }
}
