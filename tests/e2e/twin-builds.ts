/** The same project built in two folders: what comes out is the same, whatever the folder is called. */
import * as assert from "uvu/assert";
import { ends, freshFolder, type TestProject } from "./harness.ts";

/** make: the project in a folder of that path. Of each profile, the image is made and all files are equal, but for depfiles (they break lines by the length of names) and what names the folder. */
export function equalInTwoFolders(make: (folder: string) => TestProject, env: string, image: string): void {
  for (const profile of ["release", "quick", "debug"]) {
    const [one, two] = [freshFolder("one"), `${freshFolder("a blank ü ")}/p`].map((folder) => {
      const project = make(folder);
      const ran = project.run([`--${profile}`]);
      assert.ok(
        ends(ran).some((end) => end.label === image && end.status === "ran"),
        `${image} of ${profile} is made`,
      );
      const files = Object.entries(project.tree(`.fb/build/${env}/${profile}`));
      return Object.fromEntries(files.filter(([path]) => !/\.d$|build_info/.test(path)));
    });
    assert.equal(one, two, profile);
  }
}
