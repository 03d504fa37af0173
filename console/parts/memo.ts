import { Component, type ComponentChild, h } from 'preact';

/** A component that is drawn anew only when one of its properties is another. */
export function memo<Props extends object>(draw: (props: Props) => ComponentChild) {
  class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const names = Object.keys(next) as (keyof Props)[];
      return names.some((name) => next[name] !== this.props[name]);
    }

    override render(props: Props) {
      return draw(props);
    }
  }
  return (props: Props & { key?: string | number }) => h(Memo as never, props);
}
