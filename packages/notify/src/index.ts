export { channelsProblem } from './channels.ts';
export * from './deliver.ts';
export * from './message.ts';
export { dingtalkRequest, dingtalkSign, readDingtalk } from './dingtalk.ts';
export { readSlack, slackRequest } from './slack.ts';
export { readWebhook, webhookRequest, webhookSignature } from './webhook.ts';
