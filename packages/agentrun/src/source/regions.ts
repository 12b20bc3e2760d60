/** regions are those that the `agentrun` component 1.0.12 accepts (src/common/schema.json). */
export const regions = [
  'cn-beijing', 'cn-hangzhou', 'cn-shanghai', 'cn-zhangjiakou', 'cn-shenzhen', 'cn-guangzhou', 'cn-chengdu', 'cn-hongkong',
  'ap-southeast-1', 'ap-southeast-5', 'ap-northeast-1', 'us-west-1', 'eu-west-1', 'eu-central-1',
] as const;
