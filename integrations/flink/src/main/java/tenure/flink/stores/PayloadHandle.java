package tenure.flink.stores;

import java.io.IOException;
import java.io.Serializable;

import org.apache.flink.runtime.state.RetrievableStateHandle;
import org.apache.flink.util.InstantiationUtil;

/** A state that lies in Tenure. Discarding it does nothing: the service deletes what nothing refers to any more. */
final class PayloadHandle<T extends Serializable> implements RetrievableStateHandle<T> {

    private static final long serialVersionUID = 1L;

    /** Reads the bytes when they are needed, through a URL signed at that moment. */
    @FunctionalInterface
    interface Reader {
        byte[] read() throws IOException, InterruptedException;
    }

    private final transient Reader reader;
    private final long bytes;

    PayloadHandle(Reader reader, long bytes) {
        this.reader = reader;
        this.bytes = bytes;
    }

    @Override
    public T retrieveState() throws IOException, ClassNotFoundException {
        if (reader == null) throw new IOException("This handle was serialized; ask its store for it again");
        try {
            return InstantiationUtil.deserializeObject(reader.read(), Thread.currentThread().getContextClassLoader());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while a payload was read", e);
        }
    }

    @Override
    public void discardState() {}

    @Override
    public long getStateSize() {
        return bytes;
    }
}
