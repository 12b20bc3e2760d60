export { difyPlatform, difySecrets } from './platform.ts';
