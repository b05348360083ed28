// Why an operation on the data model failed, in words that know nothing of CoAP; the client maps them to response codes.

export type ModelErrorReason =
  | 'badRequest'
  | 'unauthorized'
  | 'notFound'
  | 'methodNotAllowed'
  | 'conflict'
  | 'notAcceptable'
  | 'unsupportedContentFormat'
  | 'internal';

/** An operation that the model refuses. The state is as it was before. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code = 'EMODEL';
  readonly reason: ModelErrorReason;

  constructor(reason: ModelErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
