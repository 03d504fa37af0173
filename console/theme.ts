/** Dark and light as the system says, unless a person chose one here. The page's styles read `data-theme` alone. */
type Theme = 'dark' | 'light';

const key = 'tenure-theme';
const light = matchMedia('(prefers-color-scheme: light)');

/** Also follows the system while the page is open. */
export function applyTheme(): void {
  show(chosen() ?? systemTheme());
  light.addEventListener('change', () => show(chosen() ?? systemTheme()));
}

export function toggleTheme(): void {
  const next: Theme = (chosen() ?? systemTheme()) === 'dark' ? 'light' : 'dark';
  localStorage.setItem(key, next);
  show(next);
}

function show(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

function chosen(): Theme | undefined {
  const theme = localStorage.getItem(key);
  return theme === 'dark' || theme === 'light' ? theme : undefined;
}

const systemTheme = (): Theme => (light.matches ? 'light' : 'dark');
