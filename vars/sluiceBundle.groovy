/**
 * Writes the bundle of this library to the agent, once for each of its versions, and gives the folder that holds `dist`.
 * Nothing of it runs before its SHA-256 is the one that this library states.
 */
String call() {
  String expected = libraryResource('sluice/bundle.sha256').trim()
  String home = "${pwd(tmp: true)}/sluice-${expected.substring(0, 16)}"
  if (fileExists("${home}/dist/index.js")) {
    return home
  }
  writeFile(file: "${home}/bundle.json", text: libraryResource('sluice/bundle.json'), encoding: 'UTF-8')
  writeFile(file: "${home}/unpack.js", text: libraryResource('sluice/unpack.js'), encoding: 'UTF-8')
  withEnv(["SLUICE_UNPACK=${home}".toString(), "SLUICE_SHA256=${expected}".toString()]) {
    if (isUnix()) {
      sh(label: 'unpack sluice', script: 'node "$SLUICE_UNPACK/unpack.js" "$SLUICE_UNPACK" "$SLUICE_SHA256"')
    } else {
      bat(label: 'unpack sluice', script: '@node "%SLUICE_UNPACK%\\unpack.js" "%SLUICE_UNPACK%" "%SLUICE_SHA256%"')
    }
  }
  return home
}
