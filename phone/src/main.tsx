import { render } from 'preact';
import './styles/theme.css';
import './styles/desk.css';
import './styles/people.css';
import './styles/phone.css';
import './styles/log.css';
import './styles/content.css';
import './styles/sheets.css';
import { connect } from './data/live.ts';
import { App } from './desk/app.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no element "app".');
render(<App />, root);
void connect();
