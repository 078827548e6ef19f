package sfnlocal

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

const mostTags = 50

// mergeTags adds tags, in place of those of the same key.
func mergeTags(tags, added []types.Tag) ([]types.Tag, error) {
	merged := slices.Clone(tags)
	for _, t := range added {
		i := slices.IndexFunc(merged, func(old types.Tag) bool { return str(old.Key) == str(t.Key) })
		if i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	if len(merged) > mostTags {
		return nil, refuse("TooManyTags", "Too many tags: a resource has at most %d", mostTags)
	}
	return merged, nil
}

// tagged finds the tags of a state machine or an activity. s.mu is held.
func (s *Server) tagged(text string) (*[]types.Tag, error) {
	if _, err := parseARN(text, kindMachine, kindActivity, kindMapRun, kindExecution); err != nil {
		return nil, err
	}
	if m := s.machines[text]; m != nil {
		return &m.tags, nil
	}
	if a := s.activities[text]; a != nil {
		return &a.tags, nil
	}
	return nil, refuse("ResourceNotFound", "Resource not found: '%s'", text)
}

func (s *Server) tagResource(_ context.Context, in *sfn.TagResourceInput) (*sfn.TagResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	merged, err := mergeTags(*tags, in.Tags)
	if err != nil {
		return nil, err
	}
	*tags = merged
	return &sfn.TagResourceOutput{}, nil
}

func (s *Server) untagResource(_ context.Context, in *sfn.UntagResourceInput) (*sfn.UntagResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	*tags = slices.DeleteFunc(slices.Clone(*tags), func(t types.Tag) bool { return slices.Contains(in.TagKeys, str(t.Key)) })
	return &sfn.UntagResourceOutput{}, nil
}

func (s *Server) listTagsForResource(_ context.Context, in *sfn.ListTagsForResourceInput) (*sfn.ListTagsForResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &sfn.ListTagsForResourceOutput{Tags: append([]types.Tag{}, *tags...)}, nil
}
