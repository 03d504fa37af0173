/**
 * In a bundle in the place of @smithy/core/event-streams: no operation that is used here streams events, and the SDK
 * asks for this part only when one does.
 */
const absent = (): never => {
  throw new Error('Event streams are left out of the bundles: remove their stand-in from infra/bundle.ts.');
};

export const resolveEventStreamSerdeConfig = <Config>(config: Config): Config => config;
export const eventStreamSerdeProvider = absent;
export const EventStreamSerde = absent;
