/** Starts the page: theme, feed, and the component tree. */
import { render } from 'preact';
import { App } from './app.tsx';
import { FleetFeed } from './fleet-feed.ts';
import { applyTheme, readTheme } from './theme.ts';

applyTheme(readTheme());
const root = document.getElementById('app');
if (root !== null) render(<App feed={new FleetFeed()} />, root);
