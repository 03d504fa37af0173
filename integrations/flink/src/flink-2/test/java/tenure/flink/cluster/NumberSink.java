package tenure.flink.cluster;

import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;

/** Where this version of Flink keeps its interface. */
interface NumberSink extends SinkFunction<Long> {}
