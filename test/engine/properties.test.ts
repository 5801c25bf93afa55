import { describeProperties } from './describe-properties.ts';

describeProperties(0.5);
