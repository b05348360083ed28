export { Capture, type CaptureOptions, captured } from './capture.ts';
export { type Tap, tapped } from './tap.ts';
