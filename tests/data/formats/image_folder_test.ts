import { assert, assertAlmostEquals, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { readImageFolder } from "../../../src/data/formats/images/image_folder.ts";
import { inFolder } from "../../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const FIXTURES = new URL("../../fixtures/images/", import.meta.url);
const VALUES: Record<string, number[]> = JSON.parse(
  await Deno.readTextFile(new URL("values.json", FIXTURES)),
);

/** Copies images into folders of a folder. */
async function deal(folder: string, images: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, image] of Object.entries(images)) {
    await Deno.mkdir(`${folder}/${path.split("/")[0]}`, { recursive: true });
    await Deno.copyFile(new URL(image, FIXTURES), `${folder}/${path}`);
  }
}

Deno.test("readImageFolder() reads each kind of image as Pillow does", async () => {
  for (const [name, values] of Object.entries(VALUES)) {
    await inFolder(async (folder) => {
      await deal(folder, { [`cat/${name}`]: name });
      const { features, shape } = await readImageFolder(folder);
      assertEquals(shape, [4, 5, values.length / 20], name);
      const greatest = name === "deep.png" ? 65_535 : 255;
      // Two decoders of JPEG may differ in rounding.
      const tolerance = name.endsWith(".jpg") ? 3 / 255 : 1e-6;
      values.forEach((value, i) =>
        assertAlmostEquals(features[i] ?? NaN, value / greatest, tolerance, name)
      );
    });
  }
});

Deno.test("readImageFolder() takes the names of the folders for the classes", () =>
  inFolder(async (folder) => {
    await deal(folder, {
      ...{ "10/a.png": "gray.png", "9/b.PNG": "gray.png", "9/c.jpeg": "gray.jpg" },
      ...{ ".cache/d.png": "rgb.png", "9/values.json": "values.json" },
    });
    const { labels, numClasses, schema, length } = await readImageFolder(folder);
    assertEquals([[...labels], numClasses, length], [[0, 0, 1], 2, 3]);
    assertEquals(schema?.target, { name: "label", task: "classification", classes: ["9", "10"] });
    assertEquals(schema?.inputs, [
      { name: "image", kind: "image", shape: [4, 5, 1], scale: 1 / 255 },
    ]);
    const wider = await readImageFolder(folder, { classes: ["8", "9", "10"] });
    assertEquals([...wider.labels], [1, 1, 2]);
    await assertRejects(
      () => readImageFolder(folder, { classes: ["9"] }),
      RangeError,
      "expected the classes 9, got 10",
    );
  }));

Deno.test("readImageFolder() names the image that does not fit or is damaged", () =>
  inFolder(async (folder) => {
    await deal(folder, { "a/1.png": "gray.png", "b/2.png": "rgb.png" });
    await assertRejects(
      () => readImageFolder(folder),
      RangeError,
      `Cannot use ${folder}/b/2.png: expected an image of 4 x 5 x 1 (height, width, channels) as ${folder}/a/1.png has, got 4 x 5 x 3`,
    );
    await assertRejects(
      () => readImageFolder(folder, { shape: [28, 28, 1] }),
      RangeError,
      `Cannot use ${folder}/a/1.png: expected an image of 28 x 28 x 1 (height, width, channels) as the option shape has, got 4 x 5 x 1`,
    );
    await Deno.remove(`${folder}/b/2.png`);
    for (const image of ["gray.png", "rgb.jpg"]) {
      const bytes = await Deno.readFile(new URL(image, FIXTURES));
      for (const length of [2, 40, bytes.length - 20]) {
        await Deno.writeFile(`${folder}/a/1.png`, bytes.slice(0, length));
        const error = await assertRejects(() => readImageFolder(folder), SyntaxError);
        assert(error.message.startsWith(`Cannot read ${folder}/a/1.png: the image is damaged: `));
        assert(!error.message.includes("\n"));
      }
    }
    await Deno.writeTextFile(`${folder}/a/1.png`, "<html>");
    await assertRejects(() => readImageFolder(folder), SyntaxError, "expected a PNG or JPEG image");
    await Deno.copyFile(new URL("transparent.png", FIXTURES), `${folder}/a/1.png`);
    await assertRejects(
      () => readImageFolder(folder),
      RangeError,
      "transparent pixels, got one at",
    );
    await Deno.remove(`${folder}/a/1.png`);
    await assertRejects(
      () => readImageFolder(folder),
      Deno.errors.NotFound,
      "Cannot find images in",
    );
  }));
