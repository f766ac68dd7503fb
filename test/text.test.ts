import { isExpression, literalText, nameProblems, terraformJson } from "../src/text";

describe("terraformJson", () => {
  it("keeps references and takes any other template literally", () => {
    const text = terraformJson({
      workspace: "gw-${terraform.workspace}",
      token: "${TfToken[TOKEN.7]}",
      policy: "${aws:username}",
      directive: "%{if true}",
      quotes: 'a"b\\c\n\u00fc',
    });
    expect(text).toContain('"gw-${terraform.workspace}"');
    expect(text).toContain('"${TfToken[TOKEN.7]}"');
    expect(text).toContain('"$${aws:username}"');
    expect(text).toContain('"%%{if true}"');
    expect(JSON.parse(text)).toMatchObject({ quotes: 'a"b\\c\nü' });
  });
});

describe("literalText", () => {
  it("doubles what opens a template", () => {
    expect(literalText("echo ${HOME} %{x} $y %z")).toBe("echo $${HOME} %%{x} $y %z");
  });
});

describe("names", () => {
  it.each(["gw-${terraform.workspace}", "${TfToken[TOKEN.1]}", "plain"])("takes %s", (name) => {
    expect(nameProblems("name", name, /^[a-z-]+$/, "a name")).toEqual([]);
  });

  it.each(["${", "a${b", "%{x}", "${a b}", '${x["y"]}', "${aws:x}", "A"])("refuses %s", (name) => {
    expect(nameProblems("name", name, /^[a-z-]+$/, "a name")).toEqual([`name: ${JSON.stringify(name)} is not a name`]);
  });

  it("tells expressions from texts", () => {
    expect(isExpression("x-${terraform.workspace}")).toBe(true);
    expect(isExpression("x-$terraform")).toBe(false);
  });
});
