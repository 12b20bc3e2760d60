import { json, refuse, type Answer, type Refused } from '../answer.ts';
import { formOf } from '../inputs.ts';
import { modelConfigFields } from '../modelConfig.ts';
import { fields, items, text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { isWorkflowMode, type App, type Workflow } from '../store.ts';
import type { Call } from './call.ts';

const unavailable = (): Refused => refuse(400, 'app_unavailable', 'App unavailable, please check your app configurations.');

/** liveOf is the version that answers when a request names none. */
export const liveOf = (app: App): Workflow | undefined => app.versions.find((version) => version.id === app.liveId);

const off = { enabled: false };

const parametersOf = (features: Fields, form: readonly unknown[]): Answer =>
  json({
    opening_statement: features['opening_statement'] ?? null,
    suggested_questions: features['suggested_questions'] ?? [],
    suggested_questions_after_answer: features['suggested_questions_after_answer'] ?? off,
    speech_to_text: features['speech_to_text'] ?? off,
    text_to_speech: features['text_to_speech'] ?? off,
    retriever_resource: features['retriever_resource'] ?? off,
    annotation_reply: features['annotation_reply'] ?? off,
    more_like_this: features['more_like_this'] ?? off,
    user_input_form: form,
    sensitive_word_avoidance: features['sensitive_word_avoidance'] ?? { enabled: false, type: '', configs: [] },
    file_upload: features['file_upload'] ?? {
      image: { enabled: false, number_limits: 3, detail: 'high', transfer_methods: ['remote_url', 'local_file'] },
    },
    system_parameters: {
      image_file_size_limit: 10, video_file_size_limit: 100, audio_file_size_limit: 50, file_size_limit: 15, workflow_file_upload_limit: 10,
    },
  });

const parameters = ({ app, state }: Call): Answer | Refused => {
  if (!isWorkflowMode(app.mode)) {
    if (app.modelConfig === undefined) return unavailable();
    const config = modelConfigFields(app.modelConfig.config, state.dialect);
    return parametersOf(config, items(config['user_input_form']));
  }
  const live = liveOf(app);
  if (live === undefined) return unavailable();
  return parametersOf(live.features, formOf(live.graph).map((variable) => ({ [text(variable['type'])]: variable })));
};

const meta = ({ app }: Call): Answer => {
  const tools = items(liveOf(app)?.graph['nodes']).map((node) => fields(fields(node)['data'])).filter((inner) => inner['type'] === 'tool');
  return json({ tool_icons: Object.fromEntries(tools.map((tool) => [text(tool['tool_name']), { background: '#252525', content: '\ud83d\ude01' }])) });
};

/** aboutRoutes say what an app is. */
export const aboutRoutes: readonly Route<Call>[] = [
  {
    method: 'GET',
    path: '/info',
    handle: ({ app, state }) => {
      const all: Fields = { name: app.name, description: app.description, tags: [], mode: app.mode, author_name: state.sessions.account.name };
      return json(Object.fromEntries(state.dialect.appInfo.map((name) => [name, all[name]])));
    },
  },
  { method: 'GET', path: '/parameters', handle: parameters },
  { method: 'GET', path: '/meta', handle: meta },
  {
    method: 'GET',
    path: '/site',
    handle: ({ app }) =>
      json({
        title: app.name, chat_color_theme: null, chat_color_theme_inverted: false, icon_type: app.iconType, icon: app.icon,
        icon_background: app.iconBackground, icon_url: null, description: null, copyright: null, privacy_policy: null, custom_disclaimer: null,
        default_language: 'en-US', show_workflow_steps: true, use_icon_as_answer_icon: app.iconAsAnswer,
      }),
  },
];
