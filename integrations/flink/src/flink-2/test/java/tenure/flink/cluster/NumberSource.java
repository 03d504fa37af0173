package tenure.flink.cluster;

import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;

/** Where this version of Flink keeps its interface. */
interface NumberSource extends SourceFunction<Long> {}
