package tenure.flink.client;

import java.util.UUID;

/** Proves which term a write belongs to: the service refuses an older one. */
public record Fence(long fencingVersion, UUID sessionId) {}
