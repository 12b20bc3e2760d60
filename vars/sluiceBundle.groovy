/**
 * Gives the folder on this agent that holds `dist`, written once for each version of this library. Nothing of it runs
 * before all of its files are the ones whose SHA-256 this library states; that is checked at each call.
 */
String call() {
  String expected = libraryResource('sluice/bundle.sha256').trim()
  String home = "${pwd(tmp: true)}/sluice-${expected.substring(0, 16)}"
  // A folder for this call alone: another build or branch may bring the same bundle at the same time.
  String delivery = "${home}-${UUID.randomUUID()}"
  if (!fileExists("${home}/dist/index.js")) {
    writeFile(file: "${delivery}/bundle.json", text: libraryResource('sluice/bundle.json'), encoding: 'UTF-8')
  }
  writeFile(file: "${delivery}/unpack.cjs", text: libraryResource('sluice/unpack.cjs'), encoding: 'UTF-8')
  withEnv(["SLUICE_DELIVERY=${delivery}".toString(), "SLUICE_UNPACKED=${home}".toString(), "SLUICE_SHA256=${expected}".toString()]) {
    if (isUnix()) {
      sh(label: 'check sluice', script: 'node "$SLUICE_DELIVERY/unpack.cjs" "$SLUICE_UNPACKED" "$SLUICE_SHA256"')
    } else {
      bat(label: 'check sluice', script: '@node "%SLUICE_DELIVERY%/unpack.cjs" "%SLUICE_UNPACKED%" "%SLUICE_SHA256%"')
    }
  }
  return home
}
