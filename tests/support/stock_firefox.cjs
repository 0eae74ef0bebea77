// Lets Playwright's driver talk to a stock Firefox whose WebDriver BiDi has no command yet for media features: that one
// command becomes another without effect. Loaded by NODE_OPTIONS; it changes nothing for other browsers.
const Module = require("node:module");
const compile = Module.prototype._compile;

Module.prototype._compile = function (text, name, ...others) {
  const shown = name.endsWith("coreBundle.js") ? text.replaceAll('"emulation.setMediaFeaturesOverride"', '"session.status"') : text;
  return compile.call(this, shown, name, ...others);
};
