/** Dark and light as the system says, unless a person chose one here. */
type Theme = 'dark' | 'light';

const key = 'tenure-theme';

export function applyTheme(): void {
  const chosen = localStorage.getItem(key);
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset['theme'] = chosen;
}

export function toggleTheme(): void {
  const next: Theme = currentTheme() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(key, next);
  document.documentElement.dataset['theme'] = next;
}

function currentTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  if (theme === 'dark' || theme === 'light') return theme;
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}
