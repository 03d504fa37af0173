import './style/tokens.css';
import './style/frame.css';
import './style/cells.css';
import './style/overview.css';
import './style/group.css';
import './style/parts.css';
import './style/timeline.css';
import './style/dialog.css';
import 'uplot/dist/uPlot.min.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { GroupPage } from './group/group-page.tsx';
import { Overview } from './overview/overview.tsx';
import { readRoute } from './route.ts';
import { applyTheme } from './theme.ts';

function Console() {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(readRoute(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  if (route.kind === 'group') return <GroupPage key={route.group} route={route} />;
  return <Overview route={route} />;
}

applyTheme();
const root = document.getElementById('console');
if (root) render(<Console />, root);
