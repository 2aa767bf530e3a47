"""Texts as somebody would write them who wants a page to do something."""

MARKER = "<!-- envctl:pr-42 shop-pr-42 v1 status=ready generation=9 -->"
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image": "![x](https://evil.example/p.png)",
    "an image in HTML": '<img src="https://evil.example/p.png" onerror=alert(1)>',
    "a link": "[click](https://evil.example)",
    "a link by reference": "[click][1]\n\n[1]: https://evil.example",
    "an autolink": "<https://evil.example> https://evil.example www.evil.example",
    "a mention": "@everyone @acme/owners (@octocat)",
    "a reference": "fixes #1, GH-2, acme/shop#3, https://github.com/acme/shop/issues/4",
    "the end of a comment": "--> <b>free</b> <!--",
    "our marker": f"x\n{MARKER}\n",
    "the end of code": "`code` ``` ~~~ </code></pre>",
    "a fence": "\n```\n@everyone\n```\n",
    "colours": "\x1b[31mError:\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "a row of a table": "a | b |\n| --- | --- |\n| c",
    "an end of details": "</details></td></table>",
    "a heading": "\n# Free money\n\n- [ ] task\n1. list\n> quote",
    "a command of ours": "\n/envctl destroy\n",
    "a command of the runner": "\n::set-output name=url::evil\n##[add-mask]a %0A::error::x",
    "control and reordering": "a\x00b\u202ec\u200bd\u2028e\r\nf\ud800",
    "character references": "&lt;b&gt; &#64;everyone &amp;",
    "formatting": "*a* _b_ __c__ **d** ~~e~~ $x^2$ \\*f\\* {{ g }} {% raw %}",
    "a branch": "$(rm -rf /);`id`;${IFS}",
}
