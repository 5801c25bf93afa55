/**
 * Millrace as a library: define flows, run them, and serve them over GraphQL.
 *
 * @module
 */
export { type App, type AppOptions, createApp } from './app.ts';
export * from './engine/index.ts';
export { type LoadedFlows, loadFlows } from './flows/flow-loader.ts';
export { DomainError, type Issue } from './lib/domain-error.ts';
