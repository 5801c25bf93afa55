import { describeProperties } from './describe-properties.ts';

describeProperties(1);
