import type { Command } from "commander";

/** What reads as a command or a long option, and not as a value that was given in the place of one. */
const COMMAND = /^[a-z]{1,15}(-[a-z]{1,15}){0,2}$/;
const OPTION = /^--[a-z]{1,15}(-[a-z]{1,15}){0,2}$/;

/** A word of the command line as a message may repeat it. */
export function shownWord(word: string): string {
  return COMMAND.test(word) ? word : "(hidden)";
}

/** commander's message, where a quoted word that is not ours and does not read as an option is left out: it may be a value. */
export function withoutUnknownWords(text: string, program: Command): string {
  const known = new Set(wordsOf(program));
  return text.replace(/'([^'\n]*)'/g, (quoted, word: string) => (known.has(word) || OPTION.test(word) ? quoted : "that"));
}

/** A message without the piece of a text that JSON.parse repeats: a file that should be JSON may be a secret. */
export function withoutPieces(message: string): string {
  return message.replace(/Unexpected [^]* is not valid JSON|(?<=Unexpected token )\S+ in JSON/g, "it is not valid JSON");
}

function wordsOf({ commands, options, registeredArguments }: Command): string[] {
  return [
    ...options.map(({ flags }) => flags),
    ...registeredArguments.map((argument) => argument.name()),
    ...commands.flatMap((command) => [command.name(), ...wordsOf(command)]),
  ];
}
